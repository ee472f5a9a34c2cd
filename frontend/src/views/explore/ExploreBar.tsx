/** The head of Explore: its pages, where one is, and the box that leads to any vector. */

import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { ReadyModel } from "@/api/queries";
import { IndexFacts } from "@/components/explore/IndexState";
import { ValueLabel } from "@/components/ValueLabel";
import { useExplore } from "@/state/explore";
import { useExplorePage, useExplorePages } from "@/state/panels";
import { useSession } from "@/state/session";
import styles from "./ExploreBar.module.css";
import { GoTo } from "./GoTo";

export function ExploreBar({ model }: { model: ReadyModel }) {
  const page = useExplorePage()?.id ?? "";
  const tabs = useExplorePages().filter(({ tab }) => tab);
  return (
    <div className={styles.bar}>
      <nav className={styles.tabs} aria-label="Pages of Explore">
        {tabs.map(({ id, label }) => (
          <Link
            key={id}
            href={`/explore/${id}`}
            className={styles.tab ?? ""}
            aria-current={id === page ? "page" : undefined}
          >
            {label}
          </Link>
        ))}
        <Here page={page} />
      </nav>
      <div className={styles.aside}>
        <IndexFacts model={model.id} vectors={model.n_layers * model.ffn_width} />
        <GoTo model={model} />
      </div>
    </div>
  );
}

function Here({ page }: { page: string }) {
  const selection = useSession((state) => state.selection);
  const cluster = useExplore((state) => state.cluster);
  let here: ReactNode = null;
  if (page === "value" && selection) here = <ValueLabel value={selection} />;
  if (page === "cluster")
    here = typeof cluster === "number" ? `Cluster ${cluster}` : "Cluster of a vector";
  if (here === null) return null;
  return (
    <span className={styles.here} aria-current="page">
      <ChevronRight aria-hidden /> {here}
    </span>
  );
}
