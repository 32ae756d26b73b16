#version 330 core

struct Light {
    vec3 position;
    vec3 color;
};

uniform Light light;
out vec4 result;

// Bends the light.
vec3 shade(vec3 normal, float amount) {
    return normal * amount * light.color;
}

void main() {
    result = vec4(shade(vec3(1.0), 0.5), 1.0);
}
