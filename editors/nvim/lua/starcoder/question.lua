--- Asks the server's questions (`window/showMessageRequest`) outside insert mode.
local M = {}

local METHOD = "window/showMessageRequest"

local function wait_for_insert_leave()
  local thread = coroutine.running()
  vim.api.nvim_create_autocmd("InsertLeave", {
    once = true,
    callback = vim.schedule_wrap(function()
      local is_done, problem = coroutine.resume(thread)
      if not is_done then
        error(problem)
      end
    end),
  })
  coroutine.yield()
end

--- Ask the user as Neovim does, but wait for the end of insert mode: the prompt would
--- swallow the typed text, and take a digit of it for the answer.
--- @param ... any the arguments of an |lsp-handler|, which Neovim runs in a coroutine
function M.ask(...)
  if vim.api.nvim_get_mode().mode:sub(1, 1) == "i" then
    wait_for_insert_leave()
  end
  return vim.lsp.handlers[METHOD](...)
end

return M
