library ieee;
use ieee.std_logic_1164.all;

-- Counts up.
entity counter is
  port (clk : in std_logic);
end entity;

architecture rtl of counter is
  function twice(x : integer) return integer is
  begin
    return x * 2;
  end function;
begin
  tick : process (clk)
  begin
  end process;
end architecture;

package shop is
  constant limit : integer := 10;
end package;
