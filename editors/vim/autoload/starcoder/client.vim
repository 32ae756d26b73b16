vim9script
# The server: starts it, sends and receives messages, starts it again after a crash.

import autoload 'starcoder/message.vim'

const NAME = 'starcoder.vim'

const WAITS_MS = [1000, 2000, 4000, 8000]
const MAX_CRASHES = 5
const CRASHES_COUNT_FOR_S = 180
const PATIENCE_MS = 30000
const N_LINES_KEPT = 20

const METHOD_NOT_FOUND = -32601

# Notifications outside LSP that this plugin understands.
const NOTIFICATIONS = ['didChangeStatus', 'starcoder/suggestionReady']

var job: job = null_job
# 'stopped', 'starting', 'ready' or 'failed'; a failed server waits for the user.
export var state = 'stopped'
export var capabilities: dict<any> = {}
export var server_info: dict<any> = {}

var options: dict<any> = {}
var roots: list<string> = []
var crash_times: list<number> = []
var last_lines: list<string> = []

export def State(): string
  return state
enddef

var handlers: dict<func> = {}
var OnReady: func = () => 0
var OnEnd: func = () => 0

# Sets what to do with the server's messages, by method, when the server is ready, and
# when it has ended. A handler gets the parameters, and the id of a request.
export def Listen(for_methods: dict<func>, Ready: func, End: func)
  handlers = for_methods
  OnReady = Ready
  OnEnd = End
enddef

def IsOpen(): bool
  return job != null_job && ch_status(job) == 'open'
enddef

# Sends a message and returns its number, 0 if the server has just ended; its exit callback
# says so.
def Write(text: dict<any>, extra: dict<any> = {}): number
  if !IsOpen()
    return 0
  endif
  try
    const sent: any = ch_sendexpr(job, extend({jsonrpc: '2.0'}, text), extra)
    return type(sent) == v:t_dict ? get(sent, 'id', 0) : 0
  catch /E630:\|E631:\|E906:/
  endtry
  return 0
enddef

def WriteRequest(text: dict<any>, OnReply: func): number
  return Write(text, {callback: (_, reply) => OnReply(reply)})
enddef

export def Notify(method: string, params: dict<any>)
  if state == 'ready'
    Write({method: method, params: params})
  endif
enddef

# Sends a request and returns its number, 0 if there is no server. `OnResult` gets null
# for an error.
export def Request(method: string, params: dict<any>, OnResult: func = (_) => 0): number
  if state != 'ready'
    return 0
  endif
  return WriteRequest({method: method, params: params}, (reply) => OnResult(get(reply, 'result', null)))
enddef

export def Cancel(number: number)
  Notify('$/cancelRequest', {id: number})
enddef

export def Execute(command: dict<any>, OnResult: func = (_) => 0)
  Request('workspace/executeCommand', {
    command: command.command,
    arguments: get(command, 'arguments', []),
  }, OnResult)
enddef

# Returns whether the server understands one of our extensions of LSP.
export def Understands(name: string): bool
  const experimental = get(capabilities, 'experimental', {})
  if type(experimental) != v:t_dict || type(get(experimental, 'starcoder')) != v:t_dict
    return false
  endif
  return get(experimental.starcoder, name, false) == true
enddef

# Answers a request. Vim itself sends only numbers as ids, and most servers use strings.
export def Reply(id: any, result: any, error: any = null)
  if !IsOpen()
    return
  endif
  final answer: dict<any> = {jsonrpc: '2.0', id: id}
  if error == null
    answer.result = result
  else
    answer.error = error
  endif
  const body = json_encode(answer)
  ch_sendraw(job, $"Content-Length: {strlen(body)}\r\n\r\n{body}")
enddef

def OnMessage(_: channel, text: any)
  if type(text) != v:t_dict || !has_key(text, 'method')
    return
  endif
  const params = get(text, 'params', {})
  const is_request = has_key(text, 'id')
  if has_key(handlers, text.method)
    const Handler = handlers[text.method]
    call(Handler, is_request ? [params, text.id] : [params])
  elseif is_request
    Reply(text.id, null, {code: METHOD_NOT_FOUND, message: text.method})
  endif
enddef

def OnError(_: channel, line: string)
  add(last_lines, line)
  if len(last_lines) > N_LINES_KEPT
    remove(last_lines, 0)
  endif
enddef

# Gives up until the user asks for a restart.
def Fail(why: string)
  state = 'failed'
  message.Show($'starcoder: {why}', 'ErrorMsg')
  OnEnd()
enddef

def LastLine(): string
  const lines = last_lines->copy()->filter((_, line) => line =~ '\S')
  return empty(lines) ? '' : ': ' .. lines[-1]
enddef

# Reads what the server wrote last; the callback for it may come later than the exit.
def ReadErrors(ended: job)
  while index(['open', 'buffered'], ch_status(ended, {part: 'err'})) >= 0
    const line = ch_read(ended, {part: 'err', timeout: 100})
    if line == ''
      return
    endif
    add(last_lines, line)
  endwhile
enddef

def OnExit(ended: job, status: number)
  if ended != job
    return
  endif
  ReadErrors(ended)
  const was = state
  job = null_job
  if was == 'stopped' || was == 'failed'
    return
  elseif was == 'starting'
    Fail($'the server ended at start with status {status}{LastLine()}')
    return
  endif
  state = 'stopped'
  OnEnd()
  StartAgain(status)
enddef

def StartAgain(status: number)
  const now = localtime()
  filter(crash_times, (_, time) => now - time < CRASHES_COUNT_FOR_S)
  add(crash_times, now)
  if len(crash_times) >= MAX_CRASHES
    Fail($'the server ended {MAX_CRASHES} times{LastLine()}; :Starcoder restart starts it again')
    return
  endif
  message.Show($'starcoder: the server ended with status {status}; it starts again')
  # Tests do not wait so long.
  const wait_ms = get(g:, 'starcoder_wait_ms', WAITS_MS[len(crash_times) - 1])
  timer_start(wait_ms, (_) => {
    if state == 'stopped'
      Start(options, roots)
    endif
  })
enddef

# A capability is true, or a dictionary that may be empty.
def IsOffered(capability: any): bool
  return type(capability) == v:t_dict || capability == true
enddef

def OnInitialized(reply: dict<any>)
  if state != 'starting'
    return
  endif
  const result = get(reply, 'result', null)
  if type(result) != v:t_dict
    const why = get(get(reply, 'error', {}), 'message', 'no result')
    Fail($'the server refuses to start: {why}')
    job_stop(job)
    return
  endif
  capabilities = get(result, 'capabilities', {})
  server_info = get(result, 'serverInfo', {})
  if !IsOffered(get(capabilities, 'inlineCompletionProvider', false))
    const name = trim(get(server_info, 'name', 'the server') .. ' ' .. get(server_info, 'version', ''))
    Fail($'{name} offers no inline completion: it is too old, or another program')
    job_stop(job)
    return
  endif
  state = 'ready'
  Notify('initialized', {})
  OnReady()
enddef

def FolderOf(root: string): dict<string>
  return {uri: UriOf(root), name: fnamemodify(root, ':t')}
enddef

def InitializeParams(): dict<any>
  return {
    processId: getpid(),
    clientInfo: {name: NAME, version: $'Vim {v:versionlong}'},
    rootUri: empty(roots) ? null : UriOf(roots[0]),
    workspaceFolders: empty(roots) ? null : mapnew(roots, (_, root) => FolderOf(root)),
    initializationOptions: extend({notifications: NOTIFICATIONS}, options.init_options),
    capabilities: {
      general: {positionEncodings: ['utf-8', 'utf-16', 'utf-32']},
      textDocument: {
        synchronization: {didSave: true},
        inlineCompletion: {dynamicRegistration: false},
      },
      window: {showMessage: {messageActionItem: {additionalPropertiesSupport: false}}},
      workspace: {workspaceFolders: true, configuration: false},
    },
  }
enddef

def GiveUpWaiting(waited_for: job)
  if state == 'starting' && job == waited_for
    Fail('the server does not answer')
    job_stop(waited_for)
  endif
enddef

# Starts the server unless it runs. `wanted_roots` are the first workspace folders.
export def Start(wanted: dict<any>, wanted_roots: list<string>)
  if state == 'starting' || state == 'ready'
    return
  endif
  options = wanted
  roots = copy(wanted_roots)
  const program = expand(options.cmd[0])
  if !executable(program)
    Fail($'cannot run {program}: see :help starcoder-install')
    return
  endif
  last_lines = []
  state = 'starting'
  job = job_start([program] + options.cmd[1 :], {
    in_mode: 'lsp',
    out_mode: 'lsp',
    err_mode: 'nl',
    noblock: true,
    out_cb: OnMessage,
    err_cb: OnError,
    exit_cb: OnExit,
  })
  const started = job
  WriteRequest({method: 'initialize', params: InitializeParams()}, OnInitialized)
  timer_start(PATIENCE_MS, (_) => GiveUpWaiting(started))
enddef

# Lets `Start` start a failed server.
export def Forgive()
  crash_times = []
  if state == 'failed'
    state = 'stopped'
  endif
enddef

# Ends the server when Vim ends.
export def Stop()
  const was = state
  state = 'stopped'
  if was == 'ready'
    WriteRequest({method: 'shutdown', params: null}, (_) => 0)
    Write({method: 'exit', params: null})
  elseif IsOpen()
    job_stop(job)
  endif
enddef

# Tells the server of a workspace folder.
export def AddRoot(root: string)
  if root == '' || index(roots, root) >= 0
    return
  endif
  add(roots, root)
  Notify('workspace/didChangeWorkspaceFolders', {event: {added: [FolderOf(root)], removed: []}})
enddef

def EncodedBytes(text: string): string
  return range(strlen(text))
    ->mapnew((_, i) => printf('%%%02X', char2nr(strpart(text, i, 1))))
    ->join('')
enddef

export def UriOf(path: string): string
  const slashed = has('win32') ? '/' .. substitute(path, '\\', '/', 'g') : path
  return 'file://' .. substitute(slashed, '[^A-Za-z0-9/._~-]', (found) => EncodedBytes(found[0]), 'g')
enddef
