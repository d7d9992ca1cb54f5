// The formats of a plan. Apart from what renders them: each run reads its flags, and few show a plan.

export const planFormats = ["tree", "mermaid", "dot", "json"] as const;
export type PlanFormat = (typeof planFormats)[number];
