with Ada.Text_IO; use Ada.Text_IO;

package body Stacks is
   type Node is record
      Value : Integer;
   end record;

   -- Adds one.
   procedure Push (S : in out Stack; Item : Integer) is
   begin
      S.Top := S.Top + 1;
      S.Items (S.Top) := Item;
   end Push;

   function Size (S : Stack) return Natural is
   begin
      return S.Top;
   end Size;
end Stacks;
