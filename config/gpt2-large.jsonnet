// 36 layers, 774 M parameters.
(import 'base.libsonnet') + { models: ['gpt2-large'], n_clusters: 4000 }
