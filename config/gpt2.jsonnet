// 12 layers, 124 M parameters.
(import 'base.libsonnet') + { models: ['gpt2'] }
