set -g limit 10

# Says hello.
function greet --argument name
    echo "hello $name"
end

function helper
    greet world
end
