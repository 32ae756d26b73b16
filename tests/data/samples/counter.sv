// Counts up.
module counter #(parameter WIDTH = 8) (
    input logic clk,
    output logic [WIDTH-1:0] count
);
    always_ff @(posedge clk) count <= twice(count);

    function automatic int twice(int x);
        return x * 2;
    endfunction

    task report;
        $display("count");
    endtask
endmodule

class packet;
    int size;
endclass

package shop;
endpackage
