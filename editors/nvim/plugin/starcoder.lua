if vim.g.loaded_starcoder then
  return
end
vim.g.loaded_starcoder = true

vim.api.nvim_create_user_command("Starcoder", function(command)
  require("starcoder.command").run(unpack(command.fargs))
end, {
  nargs = "+",
  desc = "Control code suggestions from starcoder-lsp",
  complete = function(lead)
    return require("starcoder.command").complete(lead)
  end,
})
