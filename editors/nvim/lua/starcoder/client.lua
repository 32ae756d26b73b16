--- The language client: starts the server, attaches buffers, sends and cancels requests.
--- This file holds every difference between Neovim 0.10, 0.11 and 0.12.
local question = require("starcoder.question")
local status = require("starcoder.status")
local unnamed = require("starcoder.unnamed")

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

--- Called when a server has answered `initialize`.
M.on_start = function() end

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
  vim.schedule(function()
    status.announce()
    M.on_start()
  end)
end

--- The server's settings, and the notifications outside LSP that we understand.
local function init_options(options)
  local notifications = { STATUS_METHOD, READY_METHOD }
  return vim.tbl_extend("keep", options.init_options, { notifications = notifications })
end

--- The project of a file; for a buffer without a name, that of the current folder.
local function root_of(buffer, markers)
  return vim.fs.root(unnamed.is_unnamed(buffer) and vim.fn.getcwd() or buffer, markers)
end

local function config(buffer, options)
  return {
    name = M.name,
    cmd = options.cmd,
    root_dir = root_of(buffer, options.root_markers),
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

--- The client of a buffer, nil before the server has answered `initialize`. A buffer
--- without a name belongs to no project, so that any server will do.
--- @param buffer integer
--- @return vim.lsp.Client?
function M.attached(buffer)
  if unnamed.is_unnamed(buffer) then
    return unnamed.client(buffer) or vim.lsp.get_clients({ name = M.name })[1]
  end
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
  local client = not unnamed.is_unnamed(buffer) and M.attached(buffer)
  if client and opened_as[buffer] ~= vim.bo[buffer].filetype then
    vim.lsp.buf_detach_client(buffer, client.id)
  end
end

--- Start a server without attaching a buffer to it.
local function start_alone(wanted)
  if next(starting) then
    return nil
  end
  if is_at_least_0_11 then
    return vim.lsp.start(wanted, { attach = false })
  end
  return vim.lsp.start_client(wanted)
end

local function start(buffer, wanted)
  if unnamed.is_unnamed(buffer) then
    return start_alone(wanted)
  end
  return vim.lsp.start(wanted, { bufnr = buffer, reuse_client = serves })
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
  local client_id = start(buffer, config(buffer, options))
  local client = client_id and vim.lsp.get_client_by_id(client_id)
  if client and not client.initialized then
    starting[client_id] = true
  end
end

--- Close the document of a buffer without a name, if it is open.
--- @param buffer integer
function M.close_unnamed(buffer)
  local client = unnamed.client(buffer)
  if client then
    call(client, "notify", unpack(unnamed.closing(buffer)))
  end
  unnamed.forget(buffer)
end

--- Detach the buffer, so that the server forgets its text.
--- @param buffer integer
function M.detach(buffer)
  M.close_unnamed(buffer)
  for _, client in ipairs(vim.lsp.get_clients({ name = M.name, bufnr = buffer })) do
    vim.lsp.buf_detach_client(buffer, client.id)
  end
end

--- The buffers whose text the servers have.
--- @return integer[]
function M.open_buffers()
  local buffers = unnamed.open_buffers()
  for _, client in ipairs(vim.lsp.get_clients({ name = M.name })) do
    vim.list_extend(buffers, vim.tbl_keys(client.attached_buffers))
  end
  return buffers
end

--- @param buffer integer
--- @return string
function M.uri(buffer)
  return unnamed.is_unnamed(buffer) and unnamed.uri(buffer) or vim.uri_from_bufnr(buffer)
end

--- The cursor as parameters of a request; the server has the current text then.
local function position_params(client, buffer)
  if unnamed.is_unnamed(buffer) then
    for _, message in ipairs(unnamed.changes(client.id, buffer)) do
      call(client, "notify", unpack(message))
    end
  end
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.textDocument.uri = M.uri(buffer)
  return params
end

--- Let `attach` start a server again after one has failed.
function M.forgive()
  has_failed = false
end

function M.has_failed()
  return has_failed
end

function M.is_starting()
  return next(starting) ~= nil
end

local function items_of(result)
  if type(result) ~= "table" then
    return nil
  end
  return result.items or result
end

--- True if the server understands one of our extensions of LSP.
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
  local params = position_params(client, buffer)
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
--- A buffer without a name is not sent before insert mode.
--- @param client vim.lsp.Client
function M.notify_cursor(client)
  local buffer = vim.api.nvim_get_current_buf()
  local is_unsent = unnamed.is_unnamed(buffer) and not unnamed.client(buffer)
  if understands(client, "cursor") and not is_unsent then
    local params = position_params(client, buffer)
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
