// What all the config files share. Every setting has its row in docs/settings.md; whatever is not
// named here or in a file that imports this one has its default. The environment
// (LM_DEBUGGER_PORT=9000) and flags (--port 9000) win over a file.
{
  host: '127.0.0.1',
  port: 8000,
  device: 'auto',
  dtype: 'float32',
}
