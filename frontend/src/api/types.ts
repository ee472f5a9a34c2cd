/** Short names for the generated wire types. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Reading = Schemas["Reading"];
export type Token = Schemas["Token"];
export type TokenProb = Schemas["TokenProb"];
export type TokenLogit = Schemas["TokenLogit"];
export type State = Schemas["StateReading"];
export type SubUpdate = Schemas["SubUpdate"];
export type Layer = Schemas["LayerTrace"];
export type TraceReply = Schemas["Trace"];
export type TraceRequest = Schemas["TraceRequest"];
export type AppliedIntervention = Schemas["AppliedIntervention"];
/** As the page sends it, by layer and dimension. */
export type InterventionIn = Schemas["InterventionIn"] & { layer: number; dim: number };
export type GridRequest = Schemas["GridRequest"];
export type GridReply = Schemas["Grid"];
export type GridRun = Schemas["GridRun"];
export type FollowRequest = Schemas["FollowRequest"];
export type FollowReply = Schemas["Following"];
export type Followed = Schemas["Followed"];
export type AttributeRequest = Schemas["AttributeRequest"];
export type AttributeReply = Schemas["Attribution"];
export type Contribution = Schemas["Contribution"];
export type SubUpdatesRequest = Schemas["SubUpdatesRequest"];
export type SubUpdatesReply = Schemas["SubUpdates"];
export type SubUpdateDetail = Schemas["SubUpdateDetail"];
export type TokensReply = Schemas["Tokens"];
export type StateComparison = Schemas["StateComparison"];
export type LayerComparison = Schemas["LayerComparison"];
export type TokenChange = Schemas["TokenChange"];
/** As the page writes it. */
export type RunFile = Omit<Schemas["RunFile"], "interventions"> & {
  interventions?: InterventionIn[];
};
export type CodeRequest = Schemas["CodeRequest"];
export type Sampling = Schemas["SamplingIn"];
export type GenerateRequest = Schemas["GenerateRequest"];
export type GenerateStart = Schemas["GenerateStart"];
export type GenerateEnd = Schemas["GenerateEnd"];
export type Step = Schemas["GenerationStep"];
export type ValueReply = Schemas["Projection"];
export type Model = Schemas["ModelOut"];
export type SelfCheck = Schemas["SelfCheck"];
export type Progress = Schemas["Progress"];
export type ModelsReply = Schemas["ModelsReply"];
export type Example = Schemas["ExampleOut"];
export type Limits = Schemas["LimitsOut"];
export type Kind = InterventionIn["kind"];

export type IndexReply = Schemas["IndexReply"];
export type Hit = Schemas["Hit"];
export type KeywordHit = Schemas["KeywordHit"];
export type KeywordReply = Schemas["KeywordReply"];
export type ConceptReply = Schemas["ConceptReply"];
export type NeighboursReply = Schemas["NeighboursReply"];
export type PlaceReply = Schemas["PlaceReply"];
export type ClusterSummary = Schemas["ClusterSummary"];
export type ClustersReply = Schemas["ClustersReply"];
export type ClusterReply = Schemas["ClusterReply"];
