"""What every host of the world has of CPU and memory."""

HOST_MHZ = 2400
HOST_CORES = 8
HOST_MEMORY = 64 << 30
