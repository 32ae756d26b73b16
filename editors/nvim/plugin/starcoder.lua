if vim.fn.exists(":Starcoder") ~= 2 then
  require("starcoder.command").define()
end
