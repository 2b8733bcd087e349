``serial()`` tells one installation from another: a hash of the machine's id. The pages of the library say what its functions do where the manual is silent, with defaults and examples with real keys.
