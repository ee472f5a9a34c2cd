// Both models of the LM-Debugger paper, open to everybody. A reverse proxy on this machine does TLS;
// the names under which people reach it have to be told (--allowed-host, or allowed_hosts here).
(import 'base.libsonnet') + {
  models: ['gpt2-medium', 'gpt2-large'],
  hosted: true,
  // The proxy, which says who the client is.
  trusted_proxies: ['127.0.0.1', '::1'],
  log_format: 'json',
  // At /metrics, which the proxy keeps from the public.
  metrics: true,
}
