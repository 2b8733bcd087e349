Functions and classes that a script defines and does not use cost nothing when it runs, however many they are.
