--- `:checkhealth starcoder`
local client_of = require("starcoder.client")
local status = require("starcoder.status")

local M = {}

local VERSION_TIMEOUT_MS = 10000

local function check_neovim()
  local version = tostring(vim.version())
  -- Inline virtual text came with 0.10.
  if vim.fn.has("nvim-0.10") == 1 then
    vim.health.ok(("Neovim %s draws inline virtual text"):format(version))
  else
    vim.health.error(("Neovim %s is too old; 0.10 or newer is needed"):format(version))
  end
end

local function version_command(cmd)
  local result = vim.tbl_filter(function(argument)
    return argument ~= "--stdio"
  end, cmd)
  table.insert(result, "--version")
  return result
end

local function check_server(options)
  local executable = options.cmd[1]
  local path = vim.fn.exepath(executable)
  if path == "" then
    vim.health.error(("%q is not executable"):format(executable), {
      "Clone the repository and run `make demo` there, which installs the server into",
      "  .venv/bin/starcoder-lsp of the clone;",
      "then give its path: setup{ cmd = { '/path/to/.venv/bin/starcoder-lsp' } }",
      "and start it with `:Starcoder restart`.",
    })
    return
  end
  vim.health.ok("server: " .. path)
  local command = { text = true, timeout = VERSION_TIMEOUT_MS }
  local done = vim.system(version_command(options.cmd), command):wait()
  if done.code == 0 then
    vim.health.ok("version: " .. vim.trim(done.stdout))
  else
    vim.health.warn("the server does not print its version: " .. vim.trim(done.stderr))
  end
end

local function check_clients()
  local clients = vim.lsp.get_clients({ name = client_of.name })
  if client_of.has_failed() then
    vim.health.error("the server did not start, or has crashed", {
      "`:Starcoder restart` starts it again.",
      "The LSP log has its last words: " .. vim.lsp.get_log_path(),
    })
  elseif #clients == 0 then
    vim.health.warn("no server is running", {
      "Open a file; in it, `:Starcoder status` says why no server starts.",
    })
  end
  for _, client in ipairs(clients) do
    local n_buffers = #vim.tbl_keys(client.attached_buffers)
    local root = client.config.root_dir or "no root"
    vim.health.ok(("attached to %d buffers (%s)"):format(n_buffers, root))
    vim.health.info("status: " .. status.describe(status.of(client.id)))
    vim.health.info("position encoding: " .. client.offset_encoding)
  end
end

local function draws_natively(client)
  return vim.lsp.inline_completion
    and vim.lsp.inline_completion.is_enabled({ client_id = client.id })
    and vim.iter(vim.tbl_keys(client.attached_buffers)):any(function(buffer)
      local filter = { client_id = client.id, bufnr = buffer }
      return vim.lsp.inline_completion.is_enabled(filter)
    end)
end

local function check_rivals()
  local rivals = vim.tbl_filter(function(client)
    return client.server_capabilities.inlineCompletionProvider
  end, vim.lsp.get_clients())
  local is_alone = true
  for _, client in ipairs(rivals) do
    if client.name ~= client_of.name then
      is_alone = false
      local message = "the client %q offers inline completions too"
      vim.health.warn(message:format(client.name))
    elseif draws_natively(client) then
      is_alone = false
      vim.health.warn("vim.lsp.inline_completion draws the same items a second time", {
        ("vim.lsp.inline_completion.enable(false, { client_id = %d })"):format(client.id),
      })
    end
  end
  if is_alone then
    vim.health.ok("nothing else draws inline completions")
  end
end

function M.check()
  vim.health.start("starcoder")
  check_neovim()
  local options = require("starcoder").options()
  if not options then
    vim.health.error('require("starcoder").setup{} has not been called')
    return
  end
  check_server(options)
  check_clients()
  check_rivals()
end

return M
