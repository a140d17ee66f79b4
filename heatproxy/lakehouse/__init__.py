"""Files behind URLs into typed Arrow, and the report of Auto Parallel Load.

request     what CALL sys.heatwave_load and ENGINE_ATTRIBUTE ask for
source      a file location into objects on this machine
formats     what each format can do: infer columns, read rows
report      the result sets that sys.heatwave_load prints
ddl         the statements that it generates
"""
