struct Light {
    position: vec3<f32>,
    color: vec3<f32>,
}

const limit: i32 = 10;

// Bends the light.
fn shade(normal: vec3<f32>, amount: f32) -> vec3<f32> {
    return normal * amount;
}

@fragment
fn main() -> @location(0) vec4<f32> {
    return vec4<f32>(1.0);
}
