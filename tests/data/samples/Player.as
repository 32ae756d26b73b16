package game {
    import flash.display.Sprite;

    // Moves about.
    public class Player extends Sprite {
        private var speed:Number = 2;

        public function Player() {
            super();
        }

        public function move(by:Number):void {
            x += by * speed;
        }
    }
}
