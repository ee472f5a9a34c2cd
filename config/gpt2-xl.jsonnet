// 48 layers, 1.6 G parameters: about 6.5 GB of memory in float32.
(import 'base.libsonnet') + { models: ['gpt2-xl'] }
