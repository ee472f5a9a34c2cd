/** The frame: header, the view that the address names, and the interventions at the foot. */

import * as Tooltip from "@radix-ui/react-tooltip";
import { QueryClientProvider } from "@tanstack/react-query";
import { Suspense, useEffect, useState } from "react";
import { Route, Router, Switch, useLocation } from "wouter";
import { createQueryClient, useExamples } from "@/api/queries";
import { HoverCard } from "@/components/details/HoverCard";
import { NoticeBar } from "@/components/NoticeBar";
import { useNarrow } from "@/lib/hooks";
import { HelpDialog } from "@/panels/help/HelpDialog";
import { PaletteOnDemand, usePreloadedPalette } from "@/panels/palette/PaletteOnDemand";
import { loadExample } from "@/state/actions";
import { describePlace, useExplore } from "@/state/explore";
import { ModelProvider, useModel } from "@/state/model";
import { useNotice } from "@/state/notice";
import { onDemand } from "@/state/onDemand";
import { useReconnect } from "@/state/reconnect";
import { useSession } from "@/state/session";
import { type Start, useViewLocation } from "@/state/sync";
import { TraceProvider } from "@/state/trace";
import { useShortcuts } from "@/state/useShortcuts";
import { Dock } from "@/views/Dock";
import { Header } from "@/views/header/Header";
import { TraceView } from "@/views/trace/TraceView";
import styles from "./App.module.css";

const ExploreView = onDemand(() =>
  import("@/views/explore/ExploreView").then((module) => module.ExploreView),
);

const PROBLEMS = {
  newer: "This link was made by a newer version of LM-Debugger and could not be read.",
  "too-long": "This link is too long to be read.",
};

const queries = createQueryClient();

export function App({ start }: { start: Start }) {
  return (
    <QueryClientProvider client={queries}>
      <Tooltip.Provider delayDuration={400}>
        <Router hook={useViewLocation}>
          <ModelProvider>
            <TraceProvider>
              <Frame start={start} />
            </TraceProvider>
          </ModelProvider>
        </Router>
      </Tooltip.Provider>
    </QueryClientProvider>
  );
}

/** The first visit opens on the first example made for the model, or for any: its prompt and the
 * names of its vectors. What they do is for the visitor to find out, as the guide says. */
function useFirstExample(firstVisit: boolean) {
  const [waiting, setWaiting] = useState(firstVisit);
  const model = useModel()?.id;
  const { data } = useExamples();
  useEffect(() => {
    if (!waiting || !model || !data) return;
    const example = data.find((each) => each.model === model) ?? data.find((each) => !each.model);
    // Whoever types before the examples are there is no longer waiting for one.
    const { draft, prompt } = useSession.getState();
    if (example && !draft && !prompt) loadExample(example, model, true);
    setWaiting(false);
  }, [waiting, model, data]);
}

/** Tabs and the browser's history are told apart by the prompt, or by the place in Explore. */
function useTitle() {
  const [path] = useLocation();
  const prompt = useSession((state) => state.prompt);
  const selection = useSession((state) => state.selection);
  const place = useExplore();
  const title = path === "/explore" ? describePlace(place, selection) : (prompt ?? "");
  useEffect(() => {
    const start = title.replace(/\s+/g, " ").trim().slice(0, 60);
    document.title = start ? `${start} · LM-Debugger` : "LM-Debugger";
  }, [title]);
}

function Frame({ start }: { start: Start }) {
  const [help, setHelp] = useState(false);
  const [palette, setPalette] = useState(false);
  const narrow = useNarrow();
  useTitle();
  useFirstExample(start.firstVisit);
  const open = { onHelp: () => setHelp(true), onPalette: () => setPalette(true) };
  useShortcuts(open);
  usePreloadedPalette();
  useReconnect();
  useEffect(() => {
    if (start.problem) useNotice.getState().show({ text: PROBLEMS[start.problem] });
  }, [start.problem]);
  return (
    <div className={styles.frame}>
      <Header {...open} />
      <main className={styles.main}>
        <Suspense>
          <Switch>
            <Route path="/explore">
              <ExploreView />
            </Route>
            <Route>
              <TraceView />
            </Route>
          </Switch>
        </Suspense>
      </main>
      <Dock />
      {narrow && <NoticeBar />}
      <HoverCard />
      {palette && <PaletteOnDemand onClose={() => setPalette(false)} />}
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </div>
  );
}
