/** The commands that belong to no feature in particular: vectors, views, examples, models, search. */

import { useExamples, useModels } from "@/api/queries";
import { checkValue, outOfShape, parseValue, type ValueRef, valueKey } from "@/lib/values";
import { loadExample, tracePrompt } from "@/state/actions";
import type { Command } from "@/state/commands";
import { useExplore } from "@/state/explore";
import { useModel, useReadyModel } from "@/state/model";
import { namesOf, useNames } from "@/state/names";
import { type Theme, usePrefs } from "@/state/prefs";
import { newSeed } from "@/state/sampling";
import { useSession } from "@/state/session";
import { follow } from "@/state/sync";
import { valuePath } from "@/state/url";
import { useGenerate } from "@/state/useGenerate";

/** What Explore's own search takes. */
const LONGEST_QUERY = 400;

/** A place in Trace, from wherever one is. */
const inTrace = (run: () => void) => () => {
  run();
  follow("/trace");
};

function vectorCommands(ref: ValueRef, name: string | null): Command[] {
  const key = valueKey(ref);
  const title = (does: string) => `${name ?? key}: ${does}`;
  const common = {
    group: "Value vectors",
    words: key,
    note: name === null ? undefined : key,
  } as const;
  return [
    {
      ...common,
      id: `details-${key}`,
      title: title("show its details"),
      run: () => useSession.getState().select(ref),
    },
    {
      ...common,
      id: `add-${key}`,
      title: title("send to Interventions"),
      run: () => useSession.getState().change({ type: "add", ref }),
    },
    {
      ...common,
      id: `open-${key}`,
      title: title("open its page"),
      run: () => follow(valuePath(ref)),
    },
  ];
}

function useVectors(typed: string): Command[] {
  const model = useReadyModel();
  const names = useNames((state) => namesOf(state, model?.id ?? null));
  if (!model) return [];
  const ref = checkValue(typed, model).ref;
  if (ref) return vectorCommands(ref, null);
  // Without a word typed they would fill the list.
  if (typed.trim() === "") return [];
  return Object.entries(names).flatMap(([key, name]) => {
    const named = parseValue(key);
    return named && !outOfShape(named, model) ? vectorCommands(named, name) : [];
  });
}

const THEMES: readonly [Theme, string][] = [
  ["light", "Light theme"],
  ["dark", "Dark theme"],
  ["system", "Theme as the system has it"],
];

function viewCommands(): Command[] {
  const { dockOpen, detailsOpen, set, setTheme } = usePrefs.getState();
  return [
    ...THEMES.map(([theme, title]) => ({
      id: `theme-${theme}`,
      title,
      words: "colours mode",
      run: () => setTheme(theme),
    })),
    {
      id: "dock",
      title: dockOpen ? "Fold the interventions" : "Unfold the interventions",
      run: () => set({ dockOpen: !dockOpen }),
    },
    {
      id: "details",
      title: detailsOpen ? "Fold the details" : "Unfold the details",
      run: () => set({ detailsOpen: !detailsOpen }),
    },
  ].map((command) => ({ ...command, group: "View" }) as const);
}

function useGenerateCommands(): Command[] {
  const generate = useGenerate();
  const { sampling, set } = usePrefs.getState();
  return [
    {
      id: "sampling",
      group: "Actions",
      title: sampling.sample ? "Generate greedily from now on" : "Generate by sampling from now on",
      words: "temperature top-p seed greedy sample",
      run: () => set({ sampling: { ...sampling, sample: !sampling.sample } }),
    },
    ...(generate
      ? ([
          {
            id: "new-seed",
            group: "Actions",
            title: "Generate by sampling with a new seed",
            words: "temperature top-p again",
            run: () => {
              set({ sampling: { ...sampling, sample: true, seed: newSeed() } });
              generate();
            },
          },
        ] as const)
      : []),
  ];
}

function usePrompts(): Command[] {
  const { data: examples } = useExamples();
  const model = useModel()?.id ?? "";
  const recent = usePrefs((state) => state.recent);
  return [
    ...(examples ?? []).map((example) => ({
      id: `example-${example.id}`,
      group: "Examples" as const,
      title: example.title,
      note: example.note ?? undefined,
      words: example.prompt,
      run: inTrace(() => loadExample(example, model)),
    })),
    ...recent.map((prompt) => ({
      id: `recent-${prompt}`,
      group: "Traced before" as const,
      title: prompt,
      run: inTrace(() => tracePrompt(prompt)),
    })),
  ];
}

function useModelCommands(): Command[] {
  const { data } = useModels();
  const current = useModel()?.id;
  return (data?.models ?? [])
    .filter(({ id, state }) => id !== current && state !== "failed")
    .map(({ id }) => ({
      id: `model-${id}`,
      group: "Model",
      title: `Switch to ${id}`,
      run: () => useSession.getState().setModel(id, current ?? null),
    }));
}

function searchCommands(typed: string): Command[] {
  const query = typed.trim().slice(0, LONGEST_QUERY);
  if (query === "" || parseValue(query)) return [];
  const search = (mode: "keywords" | "concepts") => () => {
    const { go, type, settle } = useExplore.getState();
    go({ mode });
    type(query);
    settle();
    follow("/explore/search");
  };
  return [
    {
      id: "search-keywords",
      group: "Search",
      title: `Search value vectors for “${query}”`,
      always: true,
      run: search("keywords"),
    },
    {
      id: "search-concepts",
      group: "Search",
      title: `Search value vectors for the concept “${query}”`,
      always: true,
      run: search("concepts"),
    },
  ];
}

export function useOwnCommands(typed: string): Command[] {
  const vectors = useVectors(typed);
  const generate = useGenerateCommands();
  const prompts = usePrompts();
  const models = useModelCommands();
  return [
    ...vectors,
    ...generate,
    ...viewCommands(),
    ...prompts,
    ...models,
    ...searchCommands(typed),
  ];
}
