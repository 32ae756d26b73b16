% The area of a circle.
function a = circle_area(r)
    a = pi * square(r);
end

function y = square(x)
    y = x ^ 2;
end
