"""What makes the kernel's orders true."""
