/* SPDX-License-Identifier: Apache-2.0 */
/* An extension without C++. Built with VERSION, it says that it is for another boundary; with
 * NO_TABLE, it gives none. */
#include <cppipc/extension_abi.h>

#define TEXT(literal) \
  { literal, sizeof(literal) - 1 }

static const cppipc_host* the_host;

static cppipc_failure add(void* data, const cppipc_frame* frame) {
  (void)data;
  const cppipc_value result = {CPPIPC_INT, 0, 0, {frame->values[0].as.integer + 1}};
  return the_host->give_result(frame->call, &result);
}

static cppipc_failure nonsense(void* data, const cppipc_frame* frame) {
  (void)data;
  const cppipc_value result = {4711, 0, 0, {0}};
  return the_host->give_result(frame->call, &result);
}

static cppipc_failure deep(void* data, const cppipc_frame* frame) {
  (void)data;
  static cppipc_value values[2000];
  for (int i = 0; i < 1999; ++i) {
    values[i].kind = CPPIPC_LIST;
    values[i].as.items.data = &values[i + 1];
    values[i].as.items.size = 1;
  }
  return the_host->give_result(frame->call, &values[0]);
}

static const cppipc_parameter x = {sizeof(cppipc_parameter), TEXT("x"), TEXT("int"), 0};
static const cppipc_parameter* const parameters[] = {&x};
static const cppipc_function functions[] = {
    {sizeof(cppipc_function), 0, TEXT("add_one"), TEXT("x + 1"), TEXT("int"), 1, parameters, 0,
     add},
    {sizeof(cppipc_function), 0, TEXT("nonsense"), TEXT(""), TEXT(""), 0, 0, 0, nonsense},
    {sizeof(cppipc_function), 0, TEXT("deep"), TEXT(""), TEXT("list"), 0, 0, 0, deep},
};
static const cppipc_function* const list[] = {&functions[0], &functions[1], &functions[2]};

static cppipc_extension table = {
    .size = sizeof(cppipc_extension),
#ifdef VERSION
    .version = VERSION,
#else
    .version = CPPIPC_ABI_VERSION,
#endif
    .name = TEXT("plain"),
    .doc = TEXT("In C."),
    .function_count = 3,
    .functions = list,
};

const cppipc_extension* cppipc_extension_entry(const cppipc_host* host) {
  the_host = host;
#ifdef NO_TABLE
  (void)table;
  return 0;
#else
  return &table;
#endif
}
