/** Saving and opening runs and names. Loaded when it is first needed. */

import type { Model, RunFile } from "@/api/types";
import { download, fileName, textFile } from "@/lib/download";
import { offerUndo } from "@/state/actions";
import { forWire } from "@/state/codec";
import type { EditedModel } from "@/state/interventions";
import { type Names, namesFor, namesOf, useNames } from "@/state/names";
import { useNotice } from "@/state/notice";
import { usePrefs } from "@/state/prefs";
import { editsOf, placeOf, useSession } from "@/state/session";
import { currentView, follow } from "@/state/sync";
import { describeMerge, makeNames, mergeNames, FORMAT as NAMES, readNamesFile } from "./namesFile";
import { MAX_BYTES, makeRun, parseFile, type Run, readRun, TOO_LARGE } from "./runFile";
import { useShare } from "./store";

/** What is worked on, as a run of this model. */
export function presentRun(model: EditedModel & { id: string }): RunFile {
  const state = useSession.getState();
  const edits = editsOf(state);
  const { newTokens, sampling } = usePrefs.getState();
  const { selection } = state;
  const mentioned = [...edits.interventions, ...(selection ? [selection] : [])];
  return makeRun({
    ...placeOf(state),
    model: model.id,
    prompt: state.prompt ?? state.draft,
    edits,
    inForce: forWire(edits, model),
    names: namesFor(namesOf(useNames.getState(), model.id), mentioned),
    generate: { newTokens, sampling },
  });
}

export const runName = ({ model, prompt }: RunFile): string =>
  `${fileName("run", model, prompt.slice(0, 30))}.json`;

const asFile = (value: unknown): Blob =>
  textFile(`${JSON.stringify(value, null, 2)}\n`, "application/json");

export function saveRun(model: EditedModel & { id: string }): void {
  const run = presentRun(model);
  download(runName(run), asFile(run));
}

export function exportNames(model: string): void {
  const names = namesOf(useNames.getState(), model);
  download(`${fileName("names", model)}.json`, asFile(makeNames(model, names)));
}

/** What decides where the content of a file belongs. */
export interface Here {
  /** The served models; null: they are not known yet. */
  models: readonly Pick<Model, "id">[] | null;
  /** The one that the page is about. */
  model: string | null;
}

const refuse = (file: string, sentence: string) =>
  useShare.getState().show({ kind: "open", problem: { file, sentence } });

export async function openFile(file: File, here: Here): Promise<void> {
  if (file.size > MAX_BYTES) {
    refuse(file.name, TOO_LARGE);
    return;
  }
  const text = await file.text().catch(() => null);
  if (text === null) refuse(file.name, "The browser could not read it.");
  else openText(text, file.name, here);
}

/** A run or names, told apart by what they say they are. */
export function openText(text: string, file: string, here: Here): void {
  const parsed = parseFile(text);
  if ("problem" in parsed) refuse(file, parsed.problem);
  else if (parsed.value.format === NAMES) openNames(parsed.value, file, here);
  else {
    const read = readRun(parsed.value);
    if ("problem" in read) refuse(file, read.problem);
    else if (here.models?.some(({ id }) => id === read.run.model) === false)
      useShare.getState().show({ kind: "otherModel", run: read.run, file });
    else openRun(read.run, file);
  }
}

/** Everything as it was saved; one undo brings back what was there before. */
export function openRun(run: Run, file: string, model = run.model): void {
  const { draft, prompt, load } = useSession.getState();
  if (draft !== prompt) usePrefs.getState().remember(draft);
  const { position, selection, reading, panel, tokens, generate } = run;
  load({
    model,
    prompt: run.prompt,
    interventions: run.edits.interventions,
    groups: run.edits.groups,
    position,
    reading,
    panel,
    // Vectors and tokens of one model mean nothing in another.
    ...(model === run.model ? { selection, tokens } : {}),
    generate: { ...pick(usePrefs.getState()), ...generate },
  });
  if (model === run.model) useNames.getState().adopt(model, run.names);
  if (currentView() !== "trace") follow("/trace");
  useShare.getState().show(null);
  const leftOut = run.leftOut.length > 0 ? ` Left out: ${run.leftOut.join("; ")}.` : "";
  offerUndo(`${file} is open.${leftOut}`);
}

const pick = ({ newTokens, sampling }: ReturnType<typeof usePrefs.getState>) => ({
  newTokens,
  sampling,
});

function openNames(value: Record<string, unknown>, file: string, here: Here): void {
  const read = readNamesFile(value);
  if ("problem" in read) {
    refuse(file, read.problem);
    return;
  }
  const merge = mergeNames(useNames.getState().open(read.model), read.names);
  const doubtful = read.model !== here.model || merge.differing > 0;
  if (doubtful) useShare.getState().show({ kind: "names", ...read });
  else importNames(read.model, read.names, false);
}

/** Names that differ are replaced only if that was asked for; the notice has the way back. */
export function importNames(model: string, names: Names, theirs: boolean): void {
  const { open, put } = useNames.getState();
  const before = open(model);
  const merge = mergeNames(before, names);
  put(model, theirs ? merge.takingTheirs : merge.keepingMine);
  useShare.getState().show(null);
  useNotice.getState().show({
    text: `Names of ${model}: ${describeMerge(merge, theirs)}`,
    action: { label: "Undo", run: () => put(model, before) },
    until: (over) => useNames.subscribe(over),
  });
}
