// 6 layers, 82 M parameters.
(import 'base.libsonnet') + { models: ['distilgpt2'] }
