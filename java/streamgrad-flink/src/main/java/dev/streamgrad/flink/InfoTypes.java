package dev.streamgrad.flink;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.ListTypeInfo;
import org.apache.flink.api.java.typeutils.ObjectArrayTypeInfo;

/** What Flink's type information says of values. */
final class InfoTypes {
    private InfoTypes() {}

    static ValueType of(TypeInformation<?> type) {
        if (type instanceof ListTypeInfo) {
            return ValueType.array(of(((ListTypeInfo<?>) type).getElementTypeInfo()), type.toString());
        } else if (type instanceof ObjectArrayTypeInfo) {
            return ValueType.array(of(((ObjectArrayTypeInfo<?, ?>) type).getComponentInfo()), type.toString());
        }
        return ClassTypes.of(type.getTypeClass());
    }
}
