/**
 * The address bar follows the session, and the session follows the address bar.
 *
 * A new prompt, model, position, view or page of Explore makes an entry for Back; smaller steps (undo
 * covers them) rewrite the current one.
 */

import { useSyncExternalStore } from "react";
import { type ExplorePlace, placeOf as placeInExplore, useExplore } from "./explore";
import { startHistory } from "./history";
import { groupOf } from "./interventions";
import { namesFor, namesOf, useNames } from "./names";
import { usePrefs } from "./prefs";
import { editsOf, placeOf, shelved, useSession } from "./session";
import { keepSession, readSession } from "./storage";
import { decodeLink, decodeReference, encodeLink, type LinkState, type View } from "./url";

const WRITE_DELAY = 150;
const listeners = new Set<() => void>();
const announce = () => {
  for (const listener of listeners) listener();
};

export const currentView = (): View => decodeLink(location.hash).view;

/** The session as a link would carry it, with the names of the vectors that it mentions. */
export function linkState(model: string | null): LinkState {
  const state = useSession.getState();
  const { interventions, groups } = editsOf(state);
  const { selection } = state;
  const known = namesOf(useNames.getState(), state.model ?? model);
  return {
    ...placeOf(state),
    model: state.model ?? model,
    interventions,
    groups,
    names: namesFor(known, [...interventions, ...(selection ? [selection] : [])]),
    explore: placeInExplore(useExplore.getState()),
  };
}

/** What makes two places of Explore two places, rather than two looks at one. */
function spotOf({ page, mode, cluster, seed, layer }: ExplorePlace): unknown[] {
  if (page === "value") return [page, useSession.getState().selection];
  if (page === "cluster") return [page, cluster, seed];
  if (page === "layer") return [page, layer];
  return page === "search" ? [page, mode, useExplore.getState().search] : [page];
}

/** What decides whether a change of state is a step that Back should undo. */
const stepOf = (view: View): string => {
  const { model, prompt, position, panel } = useSession.getState();
  const spot = view === "explore" ? spotOf(useExplore.getState()) : null;
  return JSON.stringify([view, model, prompt, position, panel, spot]);
};

let lastStep = "";
let timer: ReturnType<typeof setTimeout> | undefined;

function write(view: View = currentView()): void {
  clearTimeout(timer);
  const { hash } = encodeLink(view, linkState(null));
  const step = stepOf(view);
  if (location.hash !== hash) {
    if (step === lastStep || lastStep === "") history.replaceState(null, "", hash);
    else history.pushState(null, "", hash);
    announce();
  }
  lastStep = step;
}

/** Follow a link of the page itself: what it does not name stays as it is. */
export function follow(to: string): void {
  const { view, page, state } = decodeLink(`#${to}`);
  const { go, settle } = useExplore.getState();
  // Back leads to the place as it is now, the last small step included.
  write();
  settle();
  if (state?.selection) useSession.getState().select(state.selection);
  if (page)
    go(
      state?.explore && page === "cluster"
        ? { page, cluster: state.explore.cluster, seed: 0 }
        : { page },
    );
  write(view);
}

/** A link names the model, or leaves it to the default; its names join those of that model. */
function apply(state: LinkState): void {
  const kept = useSession.getState();
  const same = state.prompt === kept.prompt;
  const draft = same || state.prompt === null ? kept.draft : state.prompt;
  if (draft !== kept.draft && kept.draft !== kept.prompt) usePrefs.getState().remember(kept.draft);
  const before = kept.history.present;
  const { interventions } = state;
  const groups = state.groups.map((group) => ({
    ...group,
    name: group.name || (groupOf(before, group.id)?.name ?? `Group ${group.id}`),
  }));
  const unchanged =
    JSON.stringify([before.interventions, before.groups]) ===
    JSON.stringify([interventions, groups]);
  const elsewhere = state.model !== null && state.model !== kept.model;
  useSession.getState().restore({
    ...(elsewhere ? { shelf: shelved(kept) } : {}),
    model: state.model ?? kept.model,
    draft,
    prompt: state.prompt ?? kept.prompt,
    position: state.position,
    selection: state.selection,
    reading: state.reading,
    panel: state.panel,
    tokens: state.tokens,
    ...(unchanged || state.prompt === null
      ? {}
      : { history: startHistory({ ...before, interventions, groups, draft }) }),
  });
  if (state.explore) useExplore.setState({ ...state.explore, settled: true });
  const model = state.model ?? kept.model;
  if (model) useNames.getState().adopt(model, state.names);
  else useNames.getState().adoptLater(state.names);
}

export interface Start {
  /** There was neither a link nor a kept session. */
  firstVisit: boolean;
  problem: "newer" | "too-long" | null;
}

/** Restore the kept session, then the address over it; from then on keep both up to date. */
export function startSync(): Start {
  const stored = readSession();
  if (stored) useSession.getState().restore(stored);
  const reference = location.hash === "" ? decodeReference(location.search) : null;
  if (reference) {
    useExplore.setState(reference.explore);
    if (reference.selection) useSession.getState().select(reference.selection);
    const { hash } = encodeLink("explore", linkState(null));
    history.replaceState(null, "", location.pathname + hash);
  }
  const link = decodeLink(location.hash);
  if (link.state) apply(link.state);
  else if (link.page) useExplore.setState({ page: link.page });
  lastStep = stepOf(link.view);
  keepSession();
  const writeSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => write(), WRITE_DELAY);
  };
  useSession.subscribe(writeSoon);
  useExplore.subscribe(writeSoon);
  window.addEventListener("popstate", () => {
    clearTimeout(timer);
    const next = decodeLink(location.hash);
    if (next.state) apply(next.state);
    else if (next.page) useExplore.setState({ page: next.page });
    lastStep = stepOf(next.view);
    clearTimeout(timer);
    announce();
  });
  return { firstVisit: !stored && !link.state, problem: link.problem };
}

/** wouter's way to the view: the path behind `#`, without the state that follows it. */
export function useViewLocation(): [string, (path: string) => void] {
  const path = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => `/${currentView()}`,
  );
  return [path, follow];
}
useViewLocation.hrefs = (href: string) => `#${href}`;
