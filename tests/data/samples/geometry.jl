module Geometry

using LinearAlgebra
using Statistics: mean, std
import Base: show
include("shapes.jl")

export Point, area

const LIMIT = 10

"""
A point in the plane.
"""
struct Point{T} <: AbstractPoint
    x::T
    y::T
end

mutable struct Circle
    center::Point
    radius::Float64
end

abstract type Shape end

# The area of a circle.
function area(c::Circle)
    return pi * square(c.radius)
end

square(x) = x^2

macro twice(ex)
    return :($ex; $ex)
end

function Base.show(io::IO, p::Point)
    print(io, p.x)
end

end
