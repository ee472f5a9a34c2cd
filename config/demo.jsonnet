// The model inside the package; needs no download.
(import 'base.libsonnet') + { models: ['demo'] }
