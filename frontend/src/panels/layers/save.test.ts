import { describe, expect, it } from "vitest";
import type { State, StateComparison, TraceReply } from "@/api/types";
import { traceReply } from "@/test/server";
import { cut, ladderFigure, visible } from "./figure";
import { traceCsv } from "./table";

const token = (id: number, text = ` t${id}`) => ({ id, text, hex: null });
const state = (probs: [number, number][], entropy: number): State => ({
  entropy,
  top: probs.map(([id, prob]) => ({ ...token(id), prob })),
});
const compared = (kl: number, tokens: [number, number, number][]): StateComparison => ({
  kl,
  tokens: tokens.map(([id, unedited, edited]) => ({ ...token(id), unedited, edited })),
});

/** One layer, one listed token and sub-update per run. */
const reply: TraceReply = {
  ...traceReply({ prompt: "a b", positions: "last", top_k: 1, interventions: [] }),
  unedited: {
    positions: [
      {
        position: 1,
        layers: [
          {
            layer: 0,
            before: state([[1, 0.5]], 1.5),
            sub_updates: [{ layer: 0, dim: 7, node: "L0D7", coefficient: -2, score: 3 }],
            after: state([[2, 0.25]], 2.5),
            share: 0.125,
          },
        ],
      },
    ],
  },
};
const edited: TraceReply = {
  ...reply,
  edited: {
    positions: [
      {
        position: 1,
        layers: [
          {
            layer: 0,
            before: state([[1, 0.5]], 1.5),
            sub_updates: [{ layer: 0, dim: 9, node: "L0D9", coefficient: 1, score: 4 }],
            after: state([[3, 0.75]], 0.5),
            share: 0.5,
          },
        ],
      },
    ],
  },
  comparison: [
    {
      position: 1,
      layers: [
        {
          layer: 0,
          before: compared(0, [[1, 0.5, 0.5]]),
          after: compared(0.625, [
            [3, 0.0625, 0.75],
            [2, 0.25, 0.03125],
          ]),
        },
      ],
    },
  ],
};

const lines = (of: TraceReply) => traceCsv(of).trimEnd().split("\r\n");

describe("the trace as a table", () => {
  it("has a row for every token and sub-update of the only run", () => {
    expect(lines(reply)).toEqual([
      expect.stringMatching(/^"layer","part","rank_unedited","rank_edited","token_id",/),
      '0,"layer",,,,,,,,,,,,,0.125,,1.5,,2.5,,,',
      '0,"before",1,,1," t1",,0.5,,,,,,,,,,,,,,',
      '0,"sub_update",1,,,,,,,7,-2,,3,,,,,,,,,',
      '0,"after",1,,2," t2",,0.25,,,,,,,,,,,,,,',
    ]);
  });

  it("has both runs side by side, and no rank where a run does not list it", () => {
    expect(lines(edited).slice(1)).toEqual([
      '0,"layer",,,,,,,,,,,,,0.125,0.5,1.5,1.5,2.5,0.5,0,0.625',
      '0,"before",1,1,1," t1",,0.5,0.5,,,,,,,,,,,,,',
      '0,"sub_update",,1,,,,,,9,,1,,4,,,,,,,,',
      '0,"sub_update",1,,,,,,,7,-2,,3,,,,,,,,,',
      '0,"after",,1,3," t3",,0.0625,0.75,,,,,,,,,,,,,',
      '0,"after",1,,2," t2",,0.25,0.03125,,,,,,,,,,,,,',
    ]);
  });
});

describe("the ladder as a figure", () => {
  const draw = (of: TraceReply) => {
    const parsed = new DOMParser().parseFromString(ladderFigure(of), "image/svg+xml");
    expect(parsed.querySelector("parsererror")).toBeNull();
    return [...parsed.querySelectorAll("text")].map((text) => text.textContent);
  };

  it("names layer, top token and probability of both runs, and their divergence", () => {
    expect(draw(edited).slice(-6)).toEqual(["0", "·t2", ".250", "·t3", ".750", "0.63"]);
  });

  it("has one column for one run", () => {
    expect(draw(reply).slice(-3)).toEqual(["0", "·t2", ".250"]);
  });

  it("says what was edited", () => {
    const interventions = traceReply({
      prompt: "a",
      positions: "last",
      top_k: 1,
      interventions: [
        { layer: 3, dim: 7, kind: "scale", value: -2, positions: "all", generated: null },
        { layer: 1, dim: 2, kind: "off", value: null, positions: "all", generated: null },
      ],
    }).interventions;
    expect(draw({ ...edited, interventions })).toContain("edited: L3D7 scale -2, L1D2 off");
  });

  it.each([
    ["<script>alert(1)</script>", "<script>alert(1)</script>"],
    ["\"&'", "\"&'"],
    ["\ufffe\u0000", "\ufffd\\x00"],
    ["a\nb", "a⏎b"],
  ])("writes %j as text", (text, shown) => {
    expect(draw({ ...reply, prompt: text })[0]).toBe(shown);
  });

  it("cuts what is too long, and says so", () => {
    expect(cut("abcdef", 6)).toBe("abcdef");
    expect(cut("abcdefg", 6)).toBe("abcde…");
    expect(cut("😀😀😀", 2)).toBe("😀…");
    expect(visible({ text: " of", hex: null })).toBe("·of");
  });
});
