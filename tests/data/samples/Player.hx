package game;

import haxe.ds.StringMap;

/** Moves about. */
class Player extends Sprite {
    var speed:Float = 2;

    public function new() {
        super();
    }

    public function move(by:Float):Void {
        x += by * speed;
    }
}

interface Movable {
    function move(by:Float):Void;
}
