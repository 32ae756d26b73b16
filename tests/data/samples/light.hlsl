#include "common.hlsli"

cbuffer Camera : register(b0)
{
    float4x4 view;
};

struct Vertex
{
    float4 position : POSITION;
};

// Bends the light.
float4 Shade(float4 color, float amount)
{
    return color * amount;
}
