"""Applications, certificates, images and VM sizes."""
