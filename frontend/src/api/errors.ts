/** One kind of failure for everything that the server or the way to it can do wrong. */

export class ApiError extends Error {
  override readonly name = "ApiError";
  /** 0: there was no reply. */
  readonly status: number;
  readonly code: string;
  readonly details: Record<string, unknown>;
  readonly requestId: string | null;

  constructor(
    status: number,
    code: string,
    message: string,
    details: Record<string, unknown> = {},
    requestId: string | null = null,
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.requestId = requestId;
  }

  /** Seconds after which the same request may succeed; null if nobody says that it will. */
  get retryAfter(): number | null {
    // What took too long once takes as long again.
    if (![429, 503].includes(this.status) || this.code === "time_limit") return null;
    const seconds = Number(this.details.retry_after);
    return seconds > 0 ? Math.min(seconds, 60) : null;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** With these a proxy answers for a server that is away. */
const GATEWAY: readonly number[] = [502, 503, 504];

const unreachable = (status: number): ApiError =>
  new ApiError(status, "offline", "The server cannot be reached.");

export const isAbort = (cause: unknown): boolean =>
  cause instanceof DOMException && cause.name === "AbortError";

/** Make an `ApiError` of a reply's parsed body, whatever it turns out to be. */
export function fromBody(status: number, body: unknown): ApiError {
  const error = isRecord(body) && isRecord(body.error) ? body.error : null;
  if (error && typeof error.message === "string") {
    return new ApiError(
      status,
      typeof error.code === "string" ? error.code : "error",
      error.message,
      isRecord(error.details) ? error.details : {},
      typeof error.request_id === "string" ? error.request_id : null,
    );
  }
  if (GATEWAY.includes(status)) return unreachable(status);
  return new ApiError(
    status,
    "unreadable_reply",
    `The server answered ${status} without a reason.`,
  );
}

/** The network failed before there was a reply. An abort stays what it is: nobody's failure. */
export function fromNetwork(cause: unknown): unknown {
  if (cause instanceof ApiError) return cause;
  return isAbort(cause) ? cause : unreachable(0);
}

const ADVICE: Record<string, string> = {
  offline: "What you typed is kept; try again once it is back.",
  empty_prompt: "Type a prompt, or choose one with Select Example.",
  no_tokens: "Type a prompt in characters that this model knows.",
  prompt_too_long: "Shorten the prompt.",
  invalid_position: "Choose another token of the prompt.",
  unknown_model: "Choose a model in the header.",
  unknown_layer: "Remove the intervention, or choose the model it was made for.",
  unknown_dimension: "Remove the intervention, or choose the model it was made for.",
  too_many_interventions: "Remove some of them.",
  non_finite_result: "Use a smaller value, or switch some interventions off.",
  busy: "It is answering others; this tries again by itself.",
  model_loading: "This tries again by itself.",
  too_many_requests: "This tries again by itself.",
  shutting_down: "This tries again by itself.",
  time_limit: "Ask for less at once, or try again when fewer people are here.",
  index_not_ready: "It is there as soon as the index is built.",
  unknown_word: "Leave it out, or look for another.",
  unknown_cluster: "Choose one on the map.",
};

/** What a person can do about it. */
export function advice(error: ApiError): string {
  const known = ADVICE[error.code];
  if (known) return known;
  if (error.status >= 500)
    return error.requestId
      ? `This is a fault of the server; its log has more under ${error.requestId}.`
      : "This is a fault of the server; its log has more.";
  return "";
}

export const asApiError = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError(0, "error", String(error));
