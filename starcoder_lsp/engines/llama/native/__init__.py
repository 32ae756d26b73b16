"""The only modules that touch llama.cpp's C interface."""
