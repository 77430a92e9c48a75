"""The process boundary: the engine as a program that a host (GIMP's plug-in) talks to over pipes."""
