Large messages go through with half the processor time: what most of them hold, Base64, is looked through in larger pieces and with faster searches.
