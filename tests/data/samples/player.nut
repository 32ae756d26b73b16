const LIMIT = 10;

enum Color { Red, Green }

// Moves about.
class Player extends Base {
    speed = 2;

    function move(by) {
        x += by * speed;
    }
}

function twice(x) {
    return x * 2;
}
