import {
  isArrayLiteralExpression,
  isAwaitExpression,
  isBinaryExpression,
  isCallExpression,
  isConditionalExpression,
  isExportDeclaration,
  isExpressionStatement,
  isForStatement,
  isIfStatement,
  isImportDeclaration,
  isInterfaceDeclaration,
  isNumericLiteral,
  isObjectLiteralExpression,
  isOmittedExpression,
  isPropertyAssignment,
  isShorthandPropertyAssignment,
  isTypeAliasDeclaration,
  isTypeNode,
  isWhileStatement,
  type Node,
  type SourceFile,
} from 'typescript/unstable/ast';
import { type Change, nameOf, visit } from './sources.ts';

/** A breakage that an operator makes. */
export interface Place extends Change {
  readonly operator: string;
  readonly line: number;
  /** The function, member or constant that it is in. */
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/** A change of a node, and the node that shows best what it does. */
type Made = readonly (Change & { readonly shown?: Node })[];

/** A node gives way to a text. */
const instead = (node: Node, text: string): Change => ({ start: node.getStart(), end: node.getEnd(), text });

const BOUNDS: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
};
const EQUAL = /^[!=]==$/;
/** A sum is left out: most are of words. */
const ARMS = new Set(['&&', '||', '??', '-', '*', '/']);
const ASSIGNMENT = /^(?:[-+]|&&|\|\||\?\?)?=$/;
const isEquality = (node: Node) => isBinaryExpression(node) && EQUAL.test(node.operatorToken.getText());

function conditionOf(node: Node): Node | undefined {
  if (isIfStatement(node) || isWhileStatement(node)) return node.expression;
  return isConditionalExpression(node) || isForStatement(node) ? node.condition : undefined;
}

/** Words for people are no place, nor is the question whether they are said. */
const isWords = (node: Node) =>
  (isPropertyAssignment(node) || isShorthandPropertyAssignment(node)) && node.name.getText() === 'message';

const isLog = (node: Node) =>
  isCallExpression(node) && /(^|[.#])log\??\.(error|warn|info|debug)$/.test(node.expression.getText());

/** A statement that does something: a call or an assignment; a constructor needs its `super()`. */
function isDeed(node: Node): boolean {
  if (!isExpressionStatement(node)) return false;
  const { expression } = node;
  if (isBinaryExpression(expression)) return ASSIGNMENT.test(expression.operatorToken.getText());
  const call = isAwaitExpression(expression) ? expression.expression : expression;
  return isCallExpression(call) && call.expression.getText() !== 'super' && !isLog(call);
}

/** A list without one of its elements, for each of them. */
function withoutEach(elements: readonly Node[] & { readonly pos: number; readonly end: number }): Made {
  const [only] = elements;
  if (elements.length === 1 && only !== undefined && !isWords(only))
    return [{ start: elements.pos, end: elements.end, text: '', shown: only }];
  return elements.flatMap((element, i) => {
    if (isOmittedExpression(element) || isWords(element)) return [];
    const next = elements[i + 1]?.getStart();
    const start = next === undefined ? (elements[i - 1]?.getEnd() ?? 0) : element.getStart();
    return [{ start, end: next ?? element.getEnd(), text: '', shown: element }];
  });
}

/** What each operator makes of a node; nothing where it is none of its own. */
export const OPERATORS: Readonly<Record<string, (node: Node) => Made>> = {
  'the opposite condition': (node) => {
    const condition = conditionOf(node);
    // The other bound says the same.
    return condition === undefined || isEquality(condition)
      ? []
      : [instead(condition, `!(${condition.getText()})`)].map((change) => ({ ...change, shown: condition }));
  },
  'one arm alone': (node) => {
    if (isBinaryExpression(node) && ARMS.has(node.operatorToken.getText()))
      return [node.left, node.right].map((arm) => instead(node, arm.getText()));
    if (!isConditionalExpression(node)) return [];
    return [node.whenTrue, node.whenFalse].map((arm) => instead(node, `(${arm.getText()})`));
  },
  'the other bound': (node) => {
    const other = isBinaryExpression(node) && BOUNDS[node.operatorToken.getText()];
    return other ? [{ ...instead(node.operatorToken, other), shown: node }] : [];
  },
  'another number': (node) => {
    if (!isNumericLiteral(node) || (isPropertyAssignment(node.parent) && node.parent.name === node)) return [];
    const value = Number(node.getText().replaceAll('_', ''));
    // A second more is a fault, a millisecond is none.
    return [{ ...instead(node, String(value < 100 ? value + 1 : value * 2)), shown: node.parent }];
  },
  'without an element': (node) => {
    if (isArrayLiteralExpression(node)) return withoutEach(node.elements);
    return isObjectLiteralExpression(node) ? withoutEach(node.properties) : [];
  },
  'without await': (node) => (isAwaitExpression(node) ? [instead(node, node.expression.getText())] : []),
  'without an argument': (node) =>
    isCallExpression(node) && node.arguments.length > 1 ? withoutEach(node.arguments) : [],
  'without the statement': (node) => (isDeed(node) ? [instead(node, ';')] : []),
};

/** Types and imports do nothing when newleaf runs. */
const isApart = (node: Node) =>
  isTypeNode(node) ||
  isInterfaceDeclaration(node) ||
  isTypeAliasDeclaration(node) ||
  isImportDeclaration(node) ||
  isExportDeclaration(node) ||
  isWords(node) ||
  isLog(node);

const LONGEST = 110;
const brief = (text: string) => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
};

function nearestName(node: Node): string {
  const name = nameOf(node);
  if (name !== undefined) return name;
  return node.parent === undefined ? '' : nearestName(node.parent);
}

/** All breakages of a file that the operators make. */
export function breakagesOf(tree: SourceFile): readonly Place[] {
  const text = tree.getFullText();
  const found: Place[] = [];
  visit(tree, (node) => {
    if (isApart(node)) return false;
    for (const [operator, made] of Object.entries(OPERATORS))
      for (const { shown = node, ...change } of made(node)) {
        const [from, to] = [shown.getStart(), shown.getEnd()];
        found.push({
          ...change,
          operator,
          line: text.slice(0, from).split('\n').length,
          name: nearestName(node),
          before: brief(text.slice(from, to)),
          after: change.text === '' || change.text === ';' ? 'nothing' : brief(shownAfter(text, from, to, change)),
        });
      }
    return true;
  });
  return found;
}

const shownAfter = (text: string, from: number, to: number, { start, end, text: by }: Change) =>
  text.slice(from, start) + by + text.slice(end, to);
