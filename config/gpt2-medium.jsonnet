// 24 layers, 355 M parameters; the model of the LM-Debugger paper.
(import 'base.libsonnet') + { models: ['gpt2-medium'], n_clusters: 3000 }
