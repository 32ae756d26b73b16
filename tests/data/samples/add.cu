#include <cuda_runtime.h>

#define BLOCK 256

struct Grid {
    int width;
};

// Adds two vectors.
__global__ void add(const float *a, const float *b, float *c, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) c[i] = a[i] + b[i];
}

void launch(int n) {
    add<<<n / BLOCK, BLOCK>>>(nullptr, nullptr, nullptr, n);
}
