--- Makes `:help starcoder` work where a plugin manager does not look for this folder.
local M = {}

function M.make_tags()
  local text = vim.api.nvim_get_runtime_file("doc/starcoder.txt", false)[1]
  local folder = text and vim.fs.dirname(text)
  if folder and vim.fn.filereadable(folder .. "/tags") == 0 then
    -- The folder may be read-only.
    pcall(vim.cmd.helptags, vim.fn.fnameescape(folder))
  end
end

return M
