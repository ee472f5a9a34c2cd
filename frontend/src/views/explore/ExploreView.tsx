/** Explore: what the value vectors hold, without any prompt. Its pages, and the head they share. */

import { Suspense } from "react";
import { IndexState } from "@/components/explore/IndexState";
import { ModelState } from "@/components/ModelState";
import { useReadyModel } from "@/state/model";
import { useExplorePage } from "@/state/panels";
import { ExploreBar } from "./ExploreBar";
import styles from "./ExploreView.module.css";

export function ExploreView() {
  const model = useReadyModel();
  const page = useExplorePage();
  if (!model)
    return (
      <div className={styles.view}>
        <ModelState />
      </div>
    );
  return (
    <div className={styles.view}>
      <ExploreBar model={model} />
      <IndexState model={model.id} />
      <Suspense>{page && <page.Show key={`${page.id} ${model.id}`} model={model} />}</Suspense>
    </div>
  );
}
