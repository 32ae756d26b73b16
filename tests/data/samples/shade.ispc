struct Light {
    float strength;
};

// Brightens all pixels.
export void brighten(uniform float pixels[], uniform int n, uniform float by) {
    foreach (i = 0 ... n) {
        pixels[i] = scaled(pixels[i], by);
    }
}

static inline float scaled(float x, float by) {
    return x * by;
}
