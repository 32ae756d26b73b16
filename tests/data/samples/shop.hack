namespace Shop;

use type Facebook\Base;

// Keeps items.
final class Cart extends Base {
  private vec<string> $items = vec[];

  public function add(string $item): void {
    $this->items[] = $item;
  }
}

interface Source {
  public function fetch(): string;
}

function helper(int $x): int {
  return $x * 2;
}
