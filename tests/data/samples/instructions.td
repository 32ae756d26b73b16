include "base.td"

// One instruction.
class Instruction<string name> {
  string Name = name;
}

def ADD : Instruction<"add">;

multiclass Arithmetic<string name> {
  def rr : Instruction<name>;
}
