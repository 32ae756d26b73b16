--- The language client: starts the server, attaches buffers, sends and cancels requests.
--- This file holds every difference between Neovim 0.10, 0.11 and 0.12.
local question = require("starcoder.question")
local status = require("starcoder.status")

local M = {}

M.name = "starcoder"

local METHOD = "textDocument/inlineCompletion"
--- Like METHOD, but for a longer suggestion; an extension of starcoder-lsp.
local MORE_METHOD = "starcoder/more"
local STATUS_METHOD = "didChangeStatus"
local READY_METHOD = "starcoder/suggestionReady"
local SIGTERM = 15

local is_at_least_0_11 = vim.fn.has("nvim-0.11") == 1

--- The filetype with which each buffer was opened on the server.
--- @type table<integer, string>
local opened_as = {}

--- A server that failed starts again only on the user's request.
local has_failed = false

--- The ids of clients that have not answered `initialize` yet.
--- @type table<integer, true>
local starting = {}

--- Called when the server has a suggestion at a place where it had none in time.
--- @type fun(params: table)
M.on_suggestion_ready = function() end

local function call(client, method, ...)
  if is_at_least_0_11 then
    return client[method](client, ...)
  end
  return client[method](...)
end

local function position_encodings()
  if is_at_least_0_11 then
    return { "utf-8", "utf-16" }
  end
  -- Neovim 0.10 uses one encoding for all clients of a buffer. Other servers use
  -- utf-16, and a client with utf-8 would shift their columns.
  return { "utf-16", "utf-8" }
end

local function capabilities()
  local result = vim.lsp.protocol.make_client_capabilities()
  result.general = result.general or {}
  result.general.positionEncodings = position_encodings()
  result.textDocument.inlineCompletion = { dynamicRegistration = false }
  return result
end

--- Show one line. An error in an autocommand would show a stack trace, and wait for a key.
local function notify_later(message)
  vim.schedule(function()
    vim.notify(message, vim.log.levels.WARN)
  end)
end

local function on_exit(code, signal, client_id)
  vim.schedule(function()
    local is_failure = code ~= 0 or signal ~= 0 or starting[client_id]
    if is_failure and signal ~= SIGTERM then
      has_failed = true
    end
    starting[client_id] = nil
    status.forget(client_id)
  end)
end

local function on_init(client)
  starting[client.id] = nil
  -- `vim.lsp.inline_completion.enable()` of 0.12 would draw every item twice.
  if vim.lsp.inline_completion then
    pcall(vim.lsp.inline_completion.enable, false, { client_id = client.id })
  end
  vim.schedule(status.announce)
end

--- The server's settings, and the notifications outside LSP that we understand.
local function init_options(options)
  local notifications = { STATUS_METHOD, READY_METHOD }
  return vim.tbl_extend("keep", options.init_options, { notifications = notifications })
end

local function config(buffer, options)
  return {
    name = M.name,
    cmd = options.cmd,
    root_dir = vim.fs.root(buffer, options.root_markers),
    init_options = init_options(options),
    capabilities = capabilities(),
    on_init = on_init,
    on_exit = on_exit,
    handlers = {
      [STATUS_METHOD] = function(_, params, context)
        status.store(context.client_id, params)
      end,
      [READY_METHOD] = function(_, params)
        M.on_suggestion_ready(params)
      end,
      ["window/showMessageRequest"] = question.ask,
    },
  }
end

--- True if a running client serves the root of `wanted`. Files without a root share a
--- client, for which Neovim 0.10 would start one each.
local function serves(client, wanted)
  return client.name == M.name
    and client.config.root_dir == wanted.root_dir
    and not call(client, "is_stopped")
end

--- The client attached to a buffer, nil before the server has answered `initialize`.
--- @param buffer integer
--- @return vim.lsp.Client?
function M.attached(buffer)
  return vim.lsp.get_clients({ name = M.name, bufnr = buffer })[1]
end

--- True if a server has ended before it was initialized, and `on_exit` is still to come.
local function is_failing()
  return vim.iter(vim.tbl_keys(starting)):any(function(client_id)
    local client = vim.lsp.get_client_by_id(client_id)
    return not client or call(client, "is_stopped")
  end)
end

local function close_if_language_changed(buffer)
  local client = M.attached(buffer)
  if client and opened_as[buffer] ~= vim.bo[buffer].filetype then
    vim.lsp.buf_detach_client(buffer, client.id)
  end
end

--- Attach the buffer to the server of its root; start the server if necessary.
--- @param buffer integer
--- @param options starcoder.Options
function M.attach(buffer, options)
  close_if_language_changed(buffer)
  if has_failed or is_failing() or M.attached(buffer) then
    return
  end
  if vim.fn.executable(options.cmd[1]) == 0 then
    has_failed = true
    local name = vim.fs.basename(options.cmd[1])
    notify_later(("starcoder: %s not found; see :checkhealth starcoder"):format(name))
    return
  end
  opened_as[buffer] = vim.bo[buffer].filetype
  local reuse = { bufnr = buffer, reuse_client = serves }
  local client_id = vim.lsp.start(config(buffer, options), reuse)
  local client = client_id and vim.lsp.get_client_by_id(client_id)
  if client and not client.initialized then
    starting[client_id] = true
  end
end

--- Detach the buffer, so that the server forgets its text.
--- @param buffer integer
function M.detach(buffer)
  local client = M.attached(buffer)
  if client then
    vim.lsp.buf_detach_client(buffer, client.id)
  end
end

--- Let `attach` start a server again after one has failed.
function M.forgive()
  has_failed = false
end

function M.has_failed()
  return has_failed
end

local function items_of(result)
  if type(result) ~= "table" then
    return nil
  end
  return result.items or result
end

--- Whether the server understands one of our extensions of LSP.
--- @param client vim.lsp.Client
--- @param name "events"|"cursor"|"more"
local function understands(client, name)
  local experimental = client.server_capabilities.experimental
  return vim.tbl_get(experimental or {}, "starcoder", name) == true
end

--- Request suggestions at the cursor of the current window.
--- @param client vim.lsp.Client
--- @param buffer integer
--- @param trigger_kind 1|2
--- @param on_items fun(items: table[]?) gets nil for null and for errors
--- @param is_more boolean? request a longer suggestion than usual
--- @return (fun())? cancel
function M.request(client, buffer, trigger_kind, on_items, is_more)
  if not client.server_capabilities.inlineCompletionProvider then
    return nil
  end
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = trigger_kind }
  local with_spaces = vim.bo[buffer].expandtab
  params.formattingOptions = { tabSize = vim.fn.shiftwidth(), insertSpaces = with_spaces }
  local method = is_more and understands(client, "more") and MORE_METHOD or METHOD
  -- The client sends pending didChange notifications before a request.
  local is_sent, id = call(client, "request", method, params, function(_, result)
    on_items(items_of(result))
  end, buffer)
  if not is_sent then
    return nil
  end
  return function()
    call(client, "cancel_request", id)
  end
end

--- @param client vim.lsp.Client
--- @param command { command: string, arguments: any[]? }
--- @param on_result fun(result: any)?
function M.execute(client, command, on_result)
  local params = { command = command.command, arguments = command.arguments }
  call(client, "request", "workspace/executeCommand", params, function(_, result)
    if on_result then
      on_result(result)
    end
  end)
end

--- Notify the server of the cursor, so that the model can read the text there ahead.
--- @param client vim.lsp.Client
function M.notify_cursor(client)
  if understands(client, "cursor") then
    local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
    call(client, "notify", "starcoder/cursorMoved", params)
  end
end

--- Notify the server of an event of an item, if it understands events.
--- @param client vim.lsp.Client
--- @param method string
--- @param params table
function M.notify_event(client, method, params)
  if understands(client, "events") then
    call(client, "notify", method, params)
  end
end

--- The byte column of an LSP character offset.
--- @param line string
--- @param character integer
--- @param encoding "utf-8"|"utf-16"|"utf-32"
--- @return integer
function M.byte_column(line, character, encoding)
  if is_at_least_0_11 then
    return vim.str_byteindex(line, encoding, character, false)
  end
  return math.min(vim.lsp.util._str_byteindex_enc(line, character, encoding), #line)
end

return M
