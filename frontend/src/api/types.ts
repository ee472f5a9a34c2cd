/** Short names for the generated wire types. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Token = Schemas["TokenOut"];
export type TokenProb = Schemas["TokenProbOut"];
export type TokenLogit = Schemas["TokenLogitOut"];
export type State = Schemas["StateOut"];
export type SubUpdate = Schemas["SubUpdateOut"];
export type Layer = Schemas["LayerOut"];
export type TraceReply = Schemas["TraceReply"];
export type TraceRequest = Schemas["TraceRequest"];
export type AppliedIntervention = Schemas["AppliedInterventionOut"];
export type InterventionIn = Schemas["InterventionIn"];
export type GridRequest = Schemas["GridRequest"];
export type GridReply = Schemas["GridReply"];
export type GridRun = Schemas["GridRunOut"];
export type FollowRequest = Schemas["FollowRequest"];
export type FollowReply = Schemas["FollowReply"];
export type Followed = Schemas["FollowedOut"];
export type AttributeRequest = Schemas["AttributeRequest"];
export type AttributeReply = Schemas["AttributeReply"];
export type Contribution = Schemas["ContributionOut"];
export type SubUpdatesRequest = Schemas["SubUpdatesRequest"];
export type SubUpdatesReply = Schemas["SubUpdatesReply"];
export type SubUpdateDetail = Schemas["SubUpdateDetailOut"];
export type TokensReply = Schemas["TokensReply"];
export type StateComparison = Schemas["StateComparisonOut"];
export type LayerComparison = Schemas["LayerComparisonOut"];
export type TokenChange = Schemas["TokenChangeOut"];
export type RunFile = Schemas["RunFile"];
export type CodeRequest = Schemas["CodeRequest"];
export type Sampling = Schemas["SamplingIn"];
export type GenerateRequest = Schemas["GenerateRequest"];
export type GenerateStart = Schemas["GenerateStart"];
export type GenerateEnd = Schemas["GenerateEnd"];
export type Step = Schemas["StepOut"];
export type ValueReply = Schemas["ValueReply"];
/** `capabilities`: what a model can be asked; without it, everything. */
export type Model = Schemas["ModelOut"] & { capabilities?: readonly string[] | null };
export type Progress = Schemas["ProgressOut"];
export type ModelsReply = Omit<Schemas["ModelsReply"], "models"> & { models: Model[] };
export type Example = Schemas["ExampleOut"];
export type Limits = Schemas["LimitsOut"];
export type Kind = InterventionIn["kind"];

export type IndexReply = Schemas["IndexReply"];
export type Hit = Schemas["HitOut"];
export type KeywordHit = Schemas["KeywordHitOut"];
export type KeywordReply = Schemas["KeywordReply"];
export type ConceptReply = Schemas["ConceptReply"];
export type NeighboursReply = Schemas["NeighboursReply"];
export type PlaceReply = Schemas["PlaceReply"];
export type ClusterSummary = Schemas["ClusterSummary"];
export type ClustersReply = Schemas["ClustersReply"];
export type ClusterReply = Schemas["ClusterReply"];
